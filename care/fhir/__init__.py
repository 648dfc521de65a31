"""FHIR R4 in: from a document to rows of the record.

`documents` finds and reads files, `validation` refuses what is not FHIR, one module per resource
says what becomes of it (`patient`, `observation` …), `intake` is the door through which all of it
is stored. Whatever else brings FHIR (REST, HL7 turned into FHIR) comes through the same door.
"""
