import pytest

from orchestration.providers.simulated.question import read
from orchestration.providers.simulated.solvers.registry import solve

ARITHMETIC = (
    ("Please calculate 3 + 4 * 5.", "23"),
    ("What is (3 + 4) * 5?", "35"),
    ("What's 2^10?", "1024"),
    ("12 × 12", "144"),
    ("1,250 + 3,750 =", "5000"),
    ("What is 45 plus 17?", "62"),
    ("What is the sum of 12, 15 and 20?", "47"),
    ("Add 12 and 30.", "42"),
    ("Add 12, 15, and 20", "47"),
    ("What is the difference between 10 and 3?", "7"),
    ("Subtract 7 from 20.", "13"),
    ("What is the product of 6 and 7?", "42"),
    ("Divide 144 by 12", "12"),
    ("What is 7 divided by 2?", "3.5"),
    ("What is the square root of 144?", "12"),
    ("What is 12 squared?", "144"),
    ("What is 2 to the power of 8?", "256"),
    ("What is the remainder when 17 is divided by 5?", "2"),
    ("What is 17 mod 5?", "2"),
    ("twenty-three plus four", "27"),
    ("What is half of 90?", "45"),
    ("What is three quarters of 200?", "150"),
    ("What is 10 / 3, rounded to two decimal places?", "3.33"),
    ("Round 3.14159 to two decimal places.", "3.14"),
    ("What is -5 + 3?", "-2"),
    ("What is 0.1 + 0.2?", "0.3"),
    ("What is 123456789 * 987654321?", "121932631112635269"),
    ("What is 5 times 6? Answer with just the number.", "30"),
    ("Calculate: 8 - (2 + 3)", "3"),
    ("Evaluate the expression 2 + 3 * 4 - 1", "13"),
    ("What do you get if you add 12 and 30?", "42"),
    ("If you multiply 6 by 7, what do you get?", "42"),
    ("What is 10 / 0?", "undefined"),
    ("Hey, could you tell me what 45*12 is please?", "540"),
    ("What is 5x6?", "30"),
    ("How much is 1,234.5 - 0.5?", "1234"),
    ("What is 1234 + 5678?", "6912"),
    ("Calculate 15 * 23 - 7.", "338"),
    ("What is the total of 3.5, 4.25 and 1.25?", "9"),
    ("Multiply 12 by 11.", "132"),
    ("What is 1,000 minus 357?", "643"),
    ("What is 144 divided by 12?", "12"),
    ("Work out 7 * (6 + 2) - 10 / 5", "54"),
    ("Solve: 48 / 6 + 3^2", "17"),
    ("what is 6 multiplied by 7", "42"),
    ("What's the result of 25 * 4?", "100"),
    ("Please add 17, 25 and 8.", "50"),
    ("Can you compute 9 times 12 for me?", "108"),
    ("How much is 250 plus 125?", "375"),
)
PERCENTAGES = (
    ("What is 17% of 2,300?", "391"),
    ("How much is 17 percent of 2300", "391"),
    ("17% of 2,300 = ?", "391"),
    ("Compute 17% of 2,300.", "391"),
    ("What is 100 - 25%?", "75"),
    ("What is 200 + 10%?", "220"),
    ("What percent of 80 is 20?", "25%"),
    ("20 is what percent of 80?", "25%"),
    ("What percentage is 20 of 80?", "25%"),
    ("Increase 200 by 15%.", "230"),
    ("Decrease 200 by 15 percent", "170"),
    ("What is 80 increased by 25%?", "100"),
    ("A jacket costs $80 and is discounted by 25%. What is the sale price?", "60"),
    ("A $80 jacket is on sale for 25% off. What is the final price?", "60"),
    ("What is a 15% tip on $80?", "12"),
    ("What is the percent change from 50 to 75?", "50%"),
    ("By what percent did the price increase from 80 to 100?", "25%"),
    ("What is the percentage decrease from 100 to 80?", "20%"),
    ("30 is 15% of what number?", "200"),
    ("15% of what number is 30?", "200"),
    ("A price of 120 rises by 10%. What is the new price?", "132"),
    ("What is 12.5% of 640?", "80"),
    ("Express 45 as a percentage of 60.", "75%"),
    ("18 out of 24 as a percentage?", "75%"),
    ("If a shirt costs 40 dollars and is reduced by 30%, how much does it cost now?", "28"),
    ("In a class of 40 students, 10 are absent. What percentage is absent?", "25%"),
    ("What is 20% of 150?", "30"),
    ("Find 35% of 80.", "28"),
    ("Calculate 8% of 1250", "100"),
    ("What is 45 as a percentage of 180?", "25%"),
    ("What percentage of 200 is 50?", "25%"),
    ("What is 250 decreased by 20%?", "200"),
    ("What is 80 plus 15%?", "92"),
    ("Reduce 500 by 12%.", "440"),
    ("A shirt costs $40. It is discounted by 25%. What is the new price?", "30"),
    ("The price of a book rose from $20 to $25. What is the percentage increase?", "25%"),
    ("If 40% of a number is 20, what is the number?", "50"),
    ("A salary of 3000 is increased by 5%. What is the new salary?", "3150"),
    ("A population of 2,000 grows by 10 percent. What is the new population?", "2200"),
    ("After a 20% discount, what is the price of a $50 item?", "40"),
)
UNITS = (
    ("Convert 5 miles to kilometers.", "8.04672 km"),
    ("How many grams are in 2.5 kilograms?", "2500 g"),
    ("How many minutes are there in 3 hours?", "180 min"),
    ("Convert 100 degrees Fahrenheit to Celsius.", "37.777778 °C"),
    ("Convert 25°C to Fahrenheit", "77 °F"),
    ("What is 32 F in C?", "0 °C"),
    ("5 km in m", "5000 m"),
    ("How many feet are in a mile?", "5280 ft"),
    ("Convert 5 feet 11 inches to centimeters.", "180.34 cm"),
    ("How many seconds are in 2 hours and 30 minutes?", "9000 s"),
    ("Convert 72 km/h to m/s.", "20 m/s"),
    ("How many MB are in 3 GB?", "3000 MB"),
    ("12 inches = how many cm?", "30.48 cm"),
    ("Convert 3 liters to milliliters", "3000 ml"),
    ("How many days are in 3 weeks?", "21 d"),
    ("What is 150 cm in meters?", "1.5 m"),
    ("Express 2 tonnes in kg.", "2000 kg"),
    ("Convert 60 mph to km/h", "96.56064 km/h"),
    ("How many ounces are in 2 pounds?", "32 oz"),
    ("Convert 1,500 meters into kilometers", "1.5 km"),
    ("Convert 26.2 miles to kilometres.", "42.1648128 km"),
    ("Convert 3.5 kilometers to meters.", "3500 m"),
    ("Convert 2500 grams to kilograms", "2.5 kg"),
    ("How many inches are in 3 feet?", "36 in"),
    ("Convert 10 kilograms to pounds.", "22.046226 lb"),
    ("How many hours are in 2.5 days?", "60 h"),
    ("Convert 68°F to °C.", "20 °C"),
    ("Convert 0 degrees Celsius to Kelvin", "273.15 K"),
    ("How many milliliters are in 1.5 liters?", "1500 ml"),
    ("What is 90 minutes in hours?", "1.5 h"),
    ("Convert 5 GB to MB", "5000 MB"),
    ("How many centimetres is 2 metres?", "200 cm"),
    ("5 kg to g", "5000 g"),
    ("How many seconds are there in a day?", "86400 s"),
    ("Convert 36 km/h into metres per second", "10 m/s"),
    ("Convert 100 yards to meters, rounded to 2 decimal places", "91.44 m"),
    ("How many bytes are in 2 KiB?", "2048 B"),
    ("Convert 1.5 hours to minutes", "90 min"),
    ("How many weeks are in 35 days?", "5 wk"),
    ("What is 212 degrees Fahrenheit in degrees Celsius?", "100 °C"),
    ("How long is 2 km in meters?", "2000 m"),
    ("Change 4 pints into cups", "8 cup"),
)
STORIES = (
    ("A pencil costs $2. How much do 15 pencils cost?", "30"),
    ("Apples cost $1.50 each. How much do 12 apples cost?", "18"),
    ("A train travels at 60 km/h for 2.5 hours. How far does it go?", "150"),
    ("Tom has 12 apples. He gives 5 to Anna and buys 3 more. How many apples does he have now?", "10"),
    ("If I have 3 apples and buy 4 more, how many apples do I have?", "7"),
    ("A car travels 150 km in 3 hours. What is its average speed?", "50"),
    ("If one ticket costs $12, how much do 4 tickets cost?", "48"),
    ("Mia had 20 stickers. She gave 6 to Leo and lost 2. How many stickers does she have left?", "12"),
    ("A box holds 12 eggs. How many eggs are in 5 boxes?", "60"),
)


@pytest.mark.parametrize(("question", "answer"), ARITHMETIC)
def test_sums_and_expressions_are_solved_however_they_are_put(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer


@pytest.mark.parametrize(("question", "answer"), PERCENTAGES)
def test_percentages_are_solved_however_they_are_put(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer


@pytest.mark.parametrize(("question", "answer"), UNITS)
def test_unit_conversions_are_solved_however_they_are_put(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer


@pytest.mark.parametrize(("question", "answer"), STORIES)
def test_short_word_problems_are_solved_however_they_are_put(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer
