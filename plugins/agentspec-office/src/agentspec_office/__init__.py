"""Mailboxes and calendars as agentspec tools.

mail       the plugin `mail`: read, draft          calendar   the plugin `calendar`: events, free
mailbox    mbox and maildir as raw messages        agenda     an iCalendar file as dated events
message    one raw message as plain data           slots      free time between events
text       bytes and HTML as readable text         drafts     append unsent messages to an mbox
replies    what the sender wrote, not what was quoted
dates      the dates that an English text names
"""
