"""How far two codings of the same videos agree, without either being the truth."""
