"""What separates MiniStack from AWS, mended in memory; one module for each service.

Every patched name is checked at the start, so that an upgrade of the package fails there and not in a test.
"""
