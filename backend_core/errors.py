"""The error tree; ``str(error)`` is one plain sentence that is always safe to show.

LecternError
├── InvalidInput            the caller can mend it: a name, a number, a file
│   ├── UnsupportedFile     not one of the kinds Lectern reads
│   ├── UnreadableFile      damaged, protected or empty
│   └── TooLarge            over a stated limit
├── NotFound                no such document, page, audio, job or voice
├── NotAllowed              the actor's role does not permit the action
│   ├── SignInNeeded        nobody is signed in, or the session ended
│   ├── SignInFailed        name or password is wrong, or there were too many attempts
│   ├── ProofNeeded         the person has to prove once more who they are
│   ├── ReasonNeeded        the action asks for a reason
│   ├── ScopeRefused        the database does not open this conversation for this account
│   └── SchemaBehind        the tables are of an older version, and this login may not change them
├── ScopeNeeded             what was said was asked for outside its conversation
├── Conflict                somebody else was first
│   ├── VoiceInUse          the page already has audio in this voice
│   ├── StaleVersion        the row changed since it was read
│   └── NotReady            a release is signed off only when it is ready
├── Cancelled               stopped on request; nothing is wrong
├── LimitReached            time, memory or a quota used up
│   ├── QuotaUsed           the page has had as many audios as it may
│   ├── TooManyImports      too many documents within an hour
│   └── TimedOut            a job ran longer than its limit
├── Unavailable             a dependency is away; trying again later can help
│   ├── PoolExhausted       no free database connection within the limit
│   ├── DatabaseAway        the server does not answer
│   ├── StorageFailed       the object store refused or is full
│   ├── SecretsLocked       the keyring or the sealed file does not open
│   └── VoiceFailed         the voice process stopped
├── DamagedObject           stored bytes do not match their hash
├── UnusableBackup          cut off, changed, made with another key, or no backup at all
├── BackupKeyNeeded         nobody can open the backup without its key
└── Unexpected              anything else, reduced to a sentence and a correlation id
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

INSIDE: Final = "Something went wrong inside Lectern; the log holds the details."


class LecternError(Exception):
    """Base of every expected failure.

    Attributes:
        code: stable machine word, also stored with failed jobs.
        title: a few words for a heading.
        next_step: what the user can do now.
        retriable: whether the same call may succeed later without a change.
        correlation_id: the id under which log, job and audit row can be found, once known.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"
    next_step: ClassVar[str] = "Try again."
    retriable: ClassVar[bool] = False

    def __init__(self, sentence: str, *, correlation_id: str | None = None) -> None:
        super().__init__(sentence)
        self.correlation_id = correlation_id


class InvalidInput(LecternError):
    """The caller gave something Lectern cannot accept."""

    code = "invalid_input"
    title = "That cannot be used"
    next_step = "Correct it and try again."


class UnsupportedFile(InvalidInput):
    """The file is not one of the kinds Lectern reads."""

    code = "unsupported_file"
    title = "This kind of file cannot be read"
    next_step = "Choose a PDF, DOCX, Markdown or text file."


class UnreadableFile(InvalidInput):
    """The file is damaged, protected by a password, or holds no text."""

    code = "unreadable_file"
    title = "This file cannot be read"
    next_step = "Open it in the program that made it, save it again, and import the new copy."


class TooLarge(InvalidInput):
    """The file or value is over a stated limit."""

    code = "too_large"
    title = "Over the limit"
    next_step = "Choose something smaller, or split it."


class NotFound(LecternError):
    """No such row, or it was deleted."""

    code = "not_found"
    title = "Not found"
    next_step = "Refresh the list; it may have been deleted."


class NotAllowed(LecternError):
    """The actor's role does not permit the action."""

    code = "not_allowed"
    title = "Not allowed"
    next_step = "Ask an administrator."


class SignInNeeded(NotAllowed):
    """Nobody is signed in, or the session ended or was revoked."""

    code = "sign_in_needed"
    title = "Sign in"
    next_step = "Sign in with your name and password."


class SignInFailed(NotAllowed):
    """Name or password is wrong; the sentence never says which.

    Attributes:
        wait_s: seconds until the next attempt is looked at, 0 when at once.
    """

    code = "sign_in_failed"
    title = "Signing in failed"
    next_step = "Check name and password; an administrator can set a new password."

    def __init__(self, sentence: str, *, wait_s: float = 0.0) -> None:
        super().__init__(sentence)
        self.wait_s = wait_s


class ProofNeeded(NotAllowed):
    """The action asks the person to prove once more who they are."""

    code = "proof_needed"
    title = "Confirm who you are"
    next_step = "Enter your password to go on."


class ReasonNeeded(NotAllowed):
    """The action asks for a reason, which the audit log keeps."""

    code = "reason_needed"
    title = "A reason is needed"
    next_step = "Say why, then try again."


class ScopeRefused(NotAllowed):
    """The database does not open this conversation's container for this account."""

    code = "scope_refused"
    title = "This conversation stays closed"
    next_step = "Ask an administrator; the attempt was recorded."


class ScopeNeeded(LecternError):
    """What a contact said was asked for outside the scope of its container; a mistake in the program that reveals nothing."""

    code = "scope_needed"
    title = "Closed outside its conversation"
    next_step = "Report this with the correlation id; the attempt was recorded."


class SchemaBehind(NotAllowed):
    """The database on the server is of an older version; only its owner brings it up to date."""

    code = "schema_behind"
    title = "The database is of an older version"
    next_step = "Its owner runs `lecternctl migrate` after a backup; then retry. Nothing was changed."


class Conflict(LecternError):
    """Somebody else was first."""

    code = "conflict"
    title = "Somebody else was first"
    next_step = "Look at the current state, then decide."


class VoiceInUse(Conflict):
    """The page already has an active audio in this voice."""

    code = "voice_in_use"
    title = "Already spoken in this voice"
    next_step = "Play the existing audio, or choose another voice."

    def __init__(self, *, page: int, voice: str, audio_id: int | None = None) -> None:
        super().__init__(f"Page {page} already has audio in the voice {voice}.")
        self.page = page
        self.voice = voice
        self.audio_id = audio_id


class StaleVersion(Conflict):
    """The row changed since the caller read it."""

    code = "stale_version"
    title = "Changed by somebody else"


class NotReady(Conflict):
    """A release is not signed off while a gate fails or is unknown, or the score is under its target."""

    code = "not_ready"
    title = "Not ready"
    next_step = "Mend what the Readiness page names, and measure again; a no-go can always be recorded."


class Cancelled(LecternError):
    """Stopped on request."""

    code = "cancelled"
    title = "Cancelled"
    next_step = "Start it again whenever you like."


class LimitReached(LecternError):
    """Time, memory or a quota was used up."""

    code = "limit_reached"
    title = "Limit reached"
    next_step = "Try a smaller piece."


class QuotaUsed(LimitReached):
    """A page has had as many audios as the house settings allow."""

    code = "quota_used"
    title = "No more audio for this page"
    next_step = "Play an audio it has, or ask an administrator to raise the number."

    def __init__(self, *, page: int, most: int) -> None:
        super().__init__(f"Page {page} has had {most} audios, deleted ones included; more are not allowed here.")
        self.page = page
        self.most = most


class TooManyImports(LimitReached):
    """An operator imported too many documents within an hour.

    Attributes:
        wait_s: seconds until the next import is possible.
    """

    code = "too_many_imports"
    title = "Too many imports"
    next_step = "Wait, or ask an administrator to raise the limit."

    def __init__(self, *, most: int, wait_s: int) -> None:
        minutes = -(-wait_s // 60)
        wait = "1 minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__(f"You imported {most} documents within an hour, the most allowed here. The next is possible in {wait}.")
        self.most = most
        self.wait_s = wait_s


class TimedOut(LimitReached):
    """A job ran longer than its limit and was stopped."""

    code = "timeout"
    title = "It took too long"
    next_step = "It is tried again by itself; if that fails too, try a smaller piece."
    retriable = True


class Unavailable(LecternError):
    """A dependency is away."""

    code = "unavailable"
    title = "Not available right now"
    next_step = "Wait a moment and try again."
    retriable = True


class PoolExhausted(Unavailable):
    """No database connection became free within the limit."""

    code = "pool_exhausted"
    title = "All database connections are in use"


class DatabaseAway(Unavailable):
    """The database server does not answer."""

    code = "database_away"
    title = "The database does not answer"
    next_step = "Lectern keeps trying; nothing you entered is lost."


class StorageFailed(Unavailable):
    """The object store refused, is full, or is away."""

    code = "storage_failed"
    title = "The file store failed"
    next_step = "Free some disk space or check the store, then retry."


class SecretsLocked(Unavailable):
    """The keyring, or the file that holds the secrets, does not open."""

    code = "secrets_locked"
    title = "The secrets cannot be opened"
    next_step = "Unlock the keyring or give the passphrase, then try again."
    retriable = False


class VoiceFailed(Unavailable):
    """The voice process stopped before the audio was complete."""

    code = "voice_failed"
    title = "The voice process stopped"
    next_step = "Retry the page; if it fails again choose another voice."


class DamagedObject(LecternError):
    """Stored bytes are missing or do not match their recorded hash."""

    code = "damaged_object"
    title = "A stored file is damaged"
    next_step = "Generate the audio again, or import the document again."


class UnusableBackup(LecternError):
    """A backup that is not used: cut off, changed, of another key, or of a newer version."""

    code = "unusable_backup"
    title = "The backup cannot be used"
    next_step = "Nothing was changed. Use another backup, or the key this one was made with."


class BackupKeyNeeded(LecternError):
    """The key that opens a backup is not here."""

    code = "backup_key_needed"
    title = "The backup key is needed"
    next_step = "Give the file with the recovery key, or type the key."


class Unexpected(LecternError):
    """Anything that is not part of this tree, reduced to a sentence."""

    code = "unexpected"
    title = "Something went wrong"
    next_step = "Try again; if it happens again, send the correlation id to support."
    retriable = True


@dataclass(frozen=True, slots=True)
class ErrorPayload:
    """Everything about a failure that may leave Lectern: shown, printed, copied or stored."""

    code: str
    title: str
    sentence: str
    next_step: str
    correlation_id: str | None

    def lines(self) -> str:
        """Return the text for the clipboard and for a report."""
        reference = f"reference {self.correlation_id or 'none'}"
        return "\n".join((f"Lectern: {self.title}", self.sentence, f"code {self.code}", reference))


def safe(error: BaseException, *, correlation_id: str | None = None, sentence: str = INSIDE) -> LecternError:
    """Return the error that may cross a boundary: a member of the tree as it is, anything else as ``Unexpected`` with its id.

    What was raised stays behind for the log; nothing of its text is in the result.
    """
    known = error if isinstance(error, LecternError) else Unexpected(sentence)
    known.correlation_id = known.correlation_id or correlation_id
    return known


def payload(error: BaseException, *, correlation_id: str | None = None, next_step: str = "") -> ErrorPayload:
    """Return what people and programs are told about ``error``; nothing else makes such an answer.

    >>> payload(ValueError("password=hunter2"), correlation_id="c7f1-92ab").sentence
    'Something went wrong inside Lectern; the log holds the details.'
    """
    known = safe(error, correlation_id=correlation_id)
    return ErrorPayload(known.code, known.title, str(known), next_step or known.next_step, known.correlation_id)


def every_error() -> tuple[type[LecternError], ...]:
    """Return every class of the tree, the base first, for tables in documents and tests."""
    found: list[type[LecternError]] = [LecternError]
    for error in found:
        found.extend(error.__subclasses__())
    return tuple(found)
