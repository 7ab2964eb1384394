"""README.txt of a pack: instructions for the auditor, without any data of the workspace."""

TEXT = """\
EVIDENCE PACK OF AN AUDIT TRAIL
===============================

What this is
------------
A company uses Twilio Segment, a service that moves customer data. Segment records each change that
people and programs make to the workspace: who did what, to what, and when. This pack contains these
records ("events") for one period, as the company's audit trail stored them, and everything you need
to verify that they have not been altered since.

  README.txt      this page
  manifest.json   contents of the pack: selection, counts, digests, collection gaps (coverage),
                  unusual changes and decisions about them, sign-offs of the period, events removed
                  by the retention policy, legal holds
  signature.json  the signature of manifest.json
  events.csv      the events, for a spreadsheet; the header names the time zone
  events.ndjson   the same events, exact: one JSON object per line; "raw" is the original record
  certificate.html, sign-off-NUMBER.json
                  only in the pack of a sign-off: its certificate, and the exact text that was
                  signed; the SHA-256 of that file is the fingerprint on the certificate
  seals.ndjson    the seals: one signed line about each day, each linked to the previous line
  verify.py       the verifier: a single file of Python source that you can read

How to verify it
----------------
You need Python 3.11 or newer. In the folder that contains the ZIP (here called evidence.zip):

  1.  unzip evidence.zip -d evidence
  2.  python3 -m pip install cryptography
  3.  python3 evidence/verify.py evidence.zip

Compare the fingerprint that it prints with the one that the owner of the trail gives you
separately, for example by telephone (the owner finds it under Admin, Seals). Or let the verifier
compare:

      python3 evidence/verify.py evidence.zip --key "THE FINGERPRINT"

If you do not trust the verify.py of this pack, use the file
trail/integrity/standalone_verifier.py from the source code of the product. It is the same file.

What the results mean
---------------------
  No problems found     The files are those that were signed, the seals form a complete chain signed
                        by one key, and each sealed day that is complete in the pack matches its
                        seal.
  unchanged             The events of the day are exactly those that were sealed soon after it.
  accepted by ...       The day did not match its seal, and somebody accepted it as it was then. Ask
                        why. The earlier seals of the day are in seals.ndjson as well.
  ... removed           Old events were removed by the retention policy. The seal states how many,
                        and what remains.
  arrived after ...     Events that arrived after the day was sealed. They are counted, not checked.
  not sealed            The day was too recent to be sealed, or precedes the first seal.
  partial               The pack contains only some events of the day, because it is filtered or
                        begins or ends within the day. They cannot be checked against the seal.
  CHANGED               As many events as sealed, but not the same ones.
  ADDED                 More events than sealed.
  MISSING               Fewer events than sealed, although the pack covers the complete day.
  PROBLEM: <file> ...   The file was changed, removed or added after the pack was created.
  PROBLEM: seal ...     The chain of seals was changed or cut.
  manifest.json does not match its signature
                        The manifest was changed after the pack was created. Do not rely on it.

The exit code is 0 without problems, 1 with problems, 2 if the pack could not be checked.

What it does NOT prove
----------------------
- That Segment reported everything, or reported it correctly. The pack shows what was stored.
- That nothing happened while no source was collecting. "coverage" in manifest.json lists the gaps,
  in which events may be missing, and the times for which this is unknown.
- That a filtered pack contains everything that matches its filter. Only a pack without a filter can
  be checked against the seals, day by day. The manifest states the filter.
- Anything against somebody who controls the database, the seals and the signing key: they can
  recreate all of it. Ask for a copy of seals.ndjson that was stored elsewhere at the time, such as
  in a mail or another system. Each of its lines must be in this one, unchanged.
- Names, e-mail addresses, categories and risks: they are derived and not sealed. Ids, times,
  actions and raw records are sealed.
- When the pack was created. It contains no such time, so that the same data gives the same file.
  Later decisions, sign-offs, late events, removals and coverage records change it legitimately.
"""
