"""What commands print: the record of each command, which is its JSON document, and the text for a person."""
