"""The page of a pack that an auditor reads first. It holds nothing of the data, and no secret."""

TEXT = """\
EVIDENCE PACK OF AN AUDIT TRAIL
===============================

What this is
------------
A company uses Twilio Segment, a service that moves customer data. Segment notes each change that
people and programs make to the workspace: who did what, to what, and when. This pack holds such
notes ("events") of one period, as a program of the company kept them, and what you need to check
that they are as they were kept.

  README.txt      this page
  manifest.json   what is in the pack: the choice in words, counts, digests, when nobody looked
                  (coverage), what was found unusual and decided, who signed off the period, what
                  was removed because it was old, what is held
  signature.json  the signature of manifest.json
  events.csv      the events, for a spreadsheet; times in the zone that the heading names
  events.ndjson   the same events, exact: one JSON object a line, "raw" is the record as it came
  seals.ndjson    the seals: one signed line about each day, each tied to the line before it
  verify.py       a program that checks all this; you can read it, it is one file

How to check it
---------------
You need Python 3.11 or newer. In the folder that holds the ZIP (call it evidence.zip):

  1.  unzip evidence.zip -d evidence
  2.  python3 -m pip install cryptography
  3.  python3 evidence/verify.py evidence.zip

Then compare the fingerprint that it prints with the one that the owner of the trail tells you by
another way, such as on the telephone (their page Admin, Seals shows it). Or let it compare:

      python3 evidence/verify.py evidence.zip --key "THE FINGERPRINT"

If you do not trust the verify.py of this pack, take the file trail/seals/standalone.py of the
program's source. It is the same file.

What each outcome means
-----------------------
  Nothing is wrong      The files are those that were signed, the seals are a whole chain by the
                        same key, and each sealed day that is whole in here is as it was sealed.
  unchanged             The day's events are exactly those that were sealed soon after the day.
  sealed anew since ... The day did not match its seal, and somebody accepted it as it was then. Ask
                        why. The earlier seals of the day are in seals.ndjson too.
  ... were removed      Old events went as the settings say; the seal says how many, and what stays.
  arrived after ...     Events that came after the day was sealed. They are counted, not checked.
  not sealed            The day was too new to be sealed, or older than the seals.
  in part               The pack holds some of the day's events only, since it is filtered or
                        begins or ends within the day. They cannot be held against the seal.
  CHANGED               As many events as sealed, but not the same.
  ADDED                 More events than sealed.
  MISSING               Fewer events than sealed, though the pack claims the whole day.
  WRONG: <file> ...     The file was changed, removed or added after the pack was made.
  WRONG: seal ...       The chain of seals was changed or cut.
  manifest.json is not as it was signed
                        The manifest was changed after the pack was made. Judge nothing by it.

The exit code is 0 where nothing is wrong, 1 where something is, 2 where it could not be checked.

What it does NOT prove
----------------------
- That Segment told everything, or told the truth. The pack shows what was kept.
- That nothing happened while nobody looked. See "coverage" in manifest.json: a span that is
  "blind" may lack events; of one that is "unknown" nobody can say.
- That a filtered pack leaves out nothing of its choice. Only a pack without a filter can be held
  against the seals, day by day. The manifest says whether it is filtered, and how.
- Anything against somebody who holds the database, the seals and the signing key together: they
  can make all of it anew. Ask for a copy of seals.ndjson that was kept elsewhere, at the time (a
  mail, another system). Each of its lines must be in this one, as it is.
- Names, e-mail addresses, categories and risks: they are looked up, and not sealed. The ids, times,
  actions and raw records are.
- When the pack was made. It names no such time, so that the same data gives the same file. Later
  decisions, sign-offs, late events, removals and a wider look at the past change it lawfully.
"""
