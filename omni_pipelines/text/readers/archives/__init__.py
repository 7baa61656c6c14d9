"""Files that hold other files: zip, tar, compressed files, 7z, mailboxes."""
