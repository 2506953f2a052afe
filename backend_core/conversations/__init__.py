"""People and talk: contacts, personas, conversations, messages, photos, reminders, relationships."""
