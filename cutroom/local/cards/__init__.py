"""A stand-in for Stripe on one machine: what the `stripe` SDK asks for here, in Stripe's documented shapes, and no more.

It takes no money: it knows the names of Stripe's test cards (https://docs.stripe.com/testing) and no card numbers. docs/cards.md
says what it does, and where it falls short.
"""
