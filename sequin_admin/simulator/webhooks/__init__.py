"""Signed webhooks: the changes of an account's rows, posted as the provider posts them.

Only addresses of this machine are called. Changes happen, and messages are due, by the simulated
clock; what a receiver compares with its own clock, such as the time in a signature, is real time.
"""
