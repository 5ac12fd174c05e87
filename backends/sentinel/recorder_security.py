"""What is particular to table SecurityEvent, as real rows show it."""

from __future__ import annotations

NO_XML = frozenset({"4688"})
"""Events whose rows have every item in a column, and no EventData."""

NO_COLUMNS = frozenset({"4656", "5156", "5158"})
"""Events whose rows have all items in EventData only, also where a column of the name exists."""

OWN_COLUMNS = frozenset(
    {
        "Account",
        "AccountType",
        "Activity",
        "Channel",
        "Computer",
        "Correlation",
        "EventData",
        "EventID",
        "EventLevelName",
        "EventRecordId",
        "EventSourceName",
        "Keywords",
        "Level",
        "Opcode",
        "Process",
        "SubjectAccount",
        "SystemProcessId",
        "SystemThreadId",
        "SystemUserId",
        "TargetAccount",
        "Task",
        "TenantId",
        "TimeGenerated",
        "Type",
        "Version",
    }
)
"""Columns that the agent fills from elsewhere: no item of the event goes there by its name."""

ACTIVITIES = {
    "1102": "The audit log was cleared.",
    "4624": "An account was successfully logged on.",
    "4625": "An account failed to log on.",
    "4634": "An account was logged off.",
    "4648": "A logon was attempted using explicit credentials.",
    "4656": "A handle to an object was requested.",
    "4657": "A registry value was modified.",
    "4662": "An operation was performed on an object.",
    "4663": "An attempt was made to access an object.",
    "4670": "Permissions on an object were changed.",
    "4672": "Special privileges assigned to new logon.",
    "4688": "A new process has been created.",
    "4689": "A process has exited.",
    "4697": "A service was installed in the system.",
    "4698": "A scheduled task was created.",
    "4720": "A user account was created.",
    "4728": "A member was added to a security-enabled global group.",
    "4732": "A member was added to a security-enabled local group.",
    "4756": "A member was added to a security-enabled universal group.",
    "5136": "A directory service object was modified.",
    "5140": "A network share object was accessed.",
    "5145": (
        "A network share object was checked to see whether client can be granted desired access."
    ),
    "5156": "The Windows Filtering Platform has allowed a connection.",
    "5158": "The Windows Filtering Platform has permitted a bind to a local port.",
}
"""The text after the number in column Activity."""
