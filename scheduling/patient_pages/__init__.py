"""What a patient does behind the link in a mail: say who she is, answer, send, and read what comes of it.

`gate` finds links and asks for the date of birth, `questions` reads what is asked and what was typed, `answering` keeps
and sends it, `results` puts into words what the rules made of it.
"""
