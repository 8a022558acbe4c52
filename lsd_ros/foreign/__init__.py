"""
What comes from outside: files, and the code of other libraries that reads them.

Every room may use this one. Nothing here knows bags, weights or cameras.
"""
