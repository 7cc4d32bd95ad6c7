"""The judge: what a client did, held against thirteen invariants over the committed history and the journal.

Pure: a Scene has all that is looked at, ``judge.judge`` says of each invariant whether it held, was broken, or does not
apply, and why. One file an invariant; beside them what they share: how requests belong together (attempts,
enumeration), what was committed for what (changes, writes), and where the client should arrive (desired, thwarted).

No client is blamed for what the provider did: what a fault did to the data, what was acknowledged and not done, what
landed late. What the journal or the history no longer has makes a verdict "incomplete", unless what is left is enough
to see the invariant broken.
"""
