"""Unit conversions and short word problems."""

import pytest

from orchestration.llm.providers.simulated.question import read
from orchestration.llm.providers.simulated.solvers.registry import solve

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
    ("How many eggs are in 3 dozen?", "36 item"),
    ("Convert 16 fluid ounces to milliliters", "473.176473 ml"),
    ("How many ounces are in 2 cups?", "16 fl oz"),
    ("Convert -40 C to F", "-40 °F"),
    ("How many Mb are in 1 MB?", "8 Mbit"),
    ("Convert half a mile to meters", "804.672 m"),
    ("How many hours are there in a week?", "168 h"),
    ("Convert 2 hectares to square meters", "20000 m²"),
    ("How many kilometers are 10 miles?", "16.09344 km"),
    ("How far is 3 miles in kilometers?", "4.828032 km"),
    ("Convert the following: 12 feet to inches", "144 in"),
    ("Convert 2 hours 15 minutes to minutes.", "135 min"),
    ("What is 5 pounds in grams?", "2267.96185 g"),
    ("Convert 98.6°F to Celsius", "37 °C"),
    ("How many days is 48 hours?", "2 d"),
    ("How many cups are in a gallon?", "16 cup"),
    ("If I convert 3 kilograms to grams, how many grams do I get?", "3000 g"),
    ("Please convert 4.2 m to cm", "420 cm"),
)
STORIES = (
    ("A pencil costs $2. How much do 15 pencils cost?", "30"),
    ("Apples cost $1.50 each. How much do 12 apples cost?", "18"),
    ("A train travels at 60 km/h for 2.5 hours. How far does it go?", "150 km"),
    ("Tom has 12 apples. He gives 5 to Anna and buys 3 more. How many apples does he have now?", "10"),
    ("If I have 3 apples and buy 4 more, how many apples do I have?", "7"),
    ("A car travels 150 km in 3 hours. What is its average speed?", "50 km/h"),
    ("If one ticket costs $12, how much do 4 tickets cost?", "48"),
    ("Mia had 20 stickers. She gave 6 to Leo and lost 2. How many stickers does she have left?", "12"),
    ("A box holds 12 eggs. How many eggs are in 5 boxes?", "60"),
    ("A car drives at 80 km/h. How long does it take to travel 200 km?", "2.5 h"),
    ("A runner covers 100 meters in 10 seconds. What is the speed?", "10 m/s"),
    ("A cyclist rides at 20 km/h for 90 minutes. How far does she ride?", "30 km"),
    ("Each box contains 6 bottles. How many bottles are in 7 boxes?", "42"),
    ("Five pens cost 10 dollars. How much does one pen cost?", "2"),
    ("12 eggs cost $3. How much is one egg?", "0.25"),
    ("There are 10 birds on a tree. 3 fly away. How many are left?", "7"),
    ("A farmer has 15 cows and buys 6 more, then sells 4. How many cows does he have now?", "17"),
    ("Lena reads 20 pages per day. How many pages does she read in 7 days?", "140"),
    ("Kim walks 3 miles in 1 hour. How fast does she walk?", "3 mi/h"),
    ("A plane flies at 500 mph for 3 hours. What distance does it cover?", "1500 mi"),
    ("Tickets cost $8 each. How much do 6 tickets cost in total?", "48"),
    ("If you have 15 apples and give away 7, how many remain?", "8"),
    ("What is the total cost of 3 books at $12 each?", "36"),
)


@pytest.mark.parametrize(("question", "answer"), UNITS)
def test_unit_conversions_are_found_however_they_are_asked_for(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer


@pytest.mark.parametrize(("question", "answer"), STORIES)
def test_short_word_problems_are_found_however_they_are_asked_for(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer
