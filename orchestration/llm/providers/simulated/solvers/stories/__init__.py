"""Short word problems whose numbers play a clear part."""
