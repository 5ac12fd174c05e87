"""Field types of the indexes that the queries search, as their mappings declare them.

Elasticsearch verifies a query against the mapping before it runs: a comparison that the type
does not allow is an error, and so is a field that no index has. Fields that are named here are
mapped whether a document has them or not; any other field is mapped, as ``keyword``, once a
document has it (dynamic mapping).
"""

from __future__ import annotations

_LONG = """
destination.port event.duration event.risk_score event.sequence event.severity file.size
http.request.body.bytes http.request.bytes http.response.body.bytes http.response.bytes
http.response.status_code iis.access.sub_status iis.access.win32_status
powershell.sequence powershell.total
process.args_count process.exit_code process.parent.args_count process.parent.pid
process.parent.thread.id process.pid process.thread.id source.port winlog.process.pid
winlog.process.thread.id winlog.version
"""
_EXCHANGE_LONG = """
majorversion minorversion buildversion revisionversion backendstatus serverlocatorlatency
httppipelinelatency calculatetargetbackendlatency totalglslatency totalaccountforestlatency
totalresourceforestlatency adlatency totalsharedcachelatency activitycontextlifetime
moduletohandlerswitchinglatency clientreqstreamlatency backendreqinitlatency
backendreqstreamlatency backendprocessinglatency backendrespinitlatency backendrespstreamlatency
clientrespstreamlatency kerberosauthheaderlatency handlercompletionlatency requesthandlerlatency
handlertomoduleswitchinglatency proxytime corelatency routinglatency httpproxyoverhead
totalrequesttime routerefresherlatency partitionendpointlookuplatency
"""
_IP = """
client.ip destination.ip dns.resolved_ip host.ip microsoft.exchange.clientipaddress
microsoft.exchange.clientipaddress_external microsoft.exchange.clientipaddress_internal
network.forwarded_ip observer.ip related.ip server.ip source.ip
"""
_BOOLEAN = """
file.code_signature.exists file.code_signature.signed file.code_signature.trusted
file.code_signature.valid process.code_signature.exists process.code_signature.trusted
process.code_signature.valid sysmon.file.archived sysmon.file.is_executable
"""
_TEXT = """
error.message message powershell.command.invocation_details.value powershell.command.value
powershell.file.script_block_text
"""
_DATE = "@timestamp event.created event.end event.ingested event.start"
_KEYWORD = """
data_stream.dataset data_stream.namespace data_stream.type
destination.address destination.domain dns.answers.data dns.answers.type dns.question.name
error.code event.action event.category event.code event.dataset event.id event.kind
event.module event.outcome event.provider event.type exchange.ecp.event_data
exchange.ecp.event_id exchange.ecp.server_name exchange.ecp.timestamp file.directory
file.code_signature.status file.code_signature.subject_name
file.extension file.hash.md5 file.hash.sha1 file.hash.sha256 file.name file.path
file.pe.company file.pe.description file.pe.file_version file.pe.imphash
file.pe.original_file_name file.pe.product file.target_path
group.domain group.id group.name host.name host.os.type http.request.method
http.request.referrer http.version iis.access.cookie iis.access.server_name
iis.access.site_name log.level network.direction network.protocol network.transport
network.type observer.hostname powershell.command.name powershell.command.path
powershell.command.invocation_details.name
powershell.command.invocation_details.related_command
powershell.command.invocation_details.type powershell.command.type
powershell.engine.new_state powershell.engine.previous_state powershell.engine.version
powershell.file.script_block_id
powershell.id powershell.pipeline_id powershell.process.executable_version
powershell.provider.name powershell.provider.new_state powershell.runspace_id
process.Ext.authentication_id process.Ext.token.integrity_level_name
process.args process.command_line process.entity_id process.executable process.hash.md5
process.hash.sha1 process.hash.sha256 process.name process.parent.args
process.parent.command_line process.parent.entity_id process.parent.executable
process.parent.name process.pe.company process.pe.description process.pe.file_version
process.pe.imphash process.pe.original_file_name process.pe.product process.title
process.working_directory registry.data.strings registry.data.type registry.hive
registry.key registry.path registry.value related.hash related.user rule.name
service.name source.address source.domain sysmon.dns.status url.domain url.extension
url.fragment url.original url.path url.query user.domain user.effective.domain
user.effective.id user.effective.name user.id user.name user.target.domain user.target.id
user.target.name user_agent.original winlog.channel winlog.computer_name winlog.event_id
winlog.logon.id winlog.logon.type winlog.provider_name winlog.record_id
winlog.user.identifier
"""
_EXCHANGE_KEYWORD = """
requestid clientrequestid protocol urlhost urlstem protocolaction authenticationtype
isauthenticated authenticateduser organization anchormailbox errorcode proxyaction targetserver
targetserverversion routingtype routinghint backendcookie serverlocatorhost
targetoutstandingrequests authmoduleperfcontext glslatencybreakup accountforestlatencybreakup
resourceforestlatencybreakup sharedcachelatencybreakup backendgenericinfo genericinfo
genericerrors edgetraceid databaseguid useradobjectguid routingstatus logtype
"""


_ECP_KEYS = """
time sid cmd reqid url referrer ex actid rs bld tname tid usid edoid acid
"""
_EVENT_DATA = """
AccessGranted AccessList AccessMask AccessRemoved AccountDomain AccountExpires AccountName
AllowedToDelegateTo AuthenticationPackageName CallTrace CallerProcessId CallerProcessName Category
ClientAddress ClientName CommandLine Company CreationUtcTime CrashOnAuditFailValue Description
Detail Details DeviceName DisplayName DomainName DomainSid DriverName EventType FailureReason
FileVersion GrantedAccess Group HandleId HomeDirectory HomePath ImpersonationLevel IntegrityLevel
IpAddress IpPort KeyLength LmPackageName LogonGuid LogonHours LogonID LogonId LogonProcessName
LogonType MandatoryLabel MemberName MemberSid NewProcessId NewProcessName NewSd
NewTargetUserName NewTime NewUACList NewUacValue ObjectName ObjectServer ObjectType OldSd
OldTargetUserName OldTime OldUacValue OriginalFileName PackageName ParentProcessName
PasswordLastSet Path PreAuthType PreviousCreationUtcTime PreviousTime PrimaryGroupId
PrivilegeList ProcessId ProcessName ProcessPath ProcessPid Product ProfilePath Reason
RelativeTargetName SamAccountName SchemaVersion ScriptBlockText ScriptPath Service
ServiceAccount ServiceFileName ServiceName ServiceSid ServiceStartType ServiceType
ServiceVersion SessionName ShareLocalPath ShareName SidHistory Signature SignatureStatus Signed
StartTime State Status SubStatus SubcategoryGuid SubjectDomainName SubjectLogonId
SubjectUserName SubjectUserSid TargetDomainName TargetInfo TargetLogonGuid TargetLogonId
TargetServerName TargetSid TargetUserName TargetUserSid TaskContent TaskName TerminalSessionId
TicketEncryptionType TicketOptions TokenElevationType TransmittedServices UserAccountControl
UserParameters UserPrincipalName UserSid UserWorkstations Version Workstation WorkstationName
param1 param2 param3 param4 param5 param6 param7 param8
"""


def _table() -> dict[str, str]:
    out = dict.fromkeys(_KEYWORD.split(), "keyword")
    for kind, names in (
        ("long", _LONG),
        ("ip", _IP),
        ("boolean", _BOOLEAN),
        ("text", _TEXT),
        ("date", _DATE),
    ):
        out |= dict.fromkeys(names.split(), kind)
    for kind, names in (("long", _EXCHANGE_LONG), ("keyword", _EXCHANGE_KEYWORD)):
        out |= {f"microsoft.exchange.{name}": kind for name in names.split()}
    for prefix, names in (("winlog.event_data", _EVENT_DATA), ("exchange.ecp", _ECP_KEYS)):
        out |= {f"{prefix}.{name}": "keyword" for name in names.split()}
    return out


DECLARED = _table()
"""Field → type, for the fields that the integrations' templates map."""


_OWN_STREAMS = {"message": "keyword"}
"""The index templates of this pack map the raw line as ``wildcard``, which queries see as
keyword."""


def type_of(field: str, index: str) -> str:
    """The type in an index (or all that a pattern names): keyword, text, long, ip, date or
    boolean."""
    if index.startswith("logs-exchange.") and field in _OWN_STREAMS:
        return _OWN_STREAMS[field]
    return DECLARED.get(field, "keyword")
