//! Limits of the receiver, by name.

/// Largest request, as it comes and unpacked: what OTLP recommends.
pub const REQUEST_BYTES_MAX: usize = 64 << 20;
/// Messages inside messages that are read from OTLP/JSON; an attribute's list of lists takes
/// two for each level. Deeper values are left empty.
pub const JSON_MESSAGE_DEPTH_MAX: usize = 72;
/// Request bytes in memory at a time, as they come, unpacked and transcoded; more is refused
/// for now. Twice the largest request: the whole process is to stay below 256 MiB.
pub const IN_FLIGHT_BYTES_MAX: usize = 2 * REQUEST_BYTES_MAX;
/// What one tenant may have of that at any time, if there are several.
pub const TENANT_BYTES_IN_FLIGHT: usize = IN_FLIGHT_BYTES_MAX / 4;
/// What a refused sender is told to wait at least.
pub const RETRY_AFTER_MS_MIN: u64 = 1_000;
/// What a refused sender is told to wait at most.
pub const RETRY_AFTER_MS_MAX: u64 = 30_000;
/// Longest text of an error or warning in an answer, in bytes.
pub const ERROR_TEXT_BYTES_MAX: usize = 256;

/// Connections of the ports that take telemetry, in all.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Connections of the operator port: a flood of telemetry does not shut the operator out.
pub const OPERATOR_CONNECTIONS_MAX: usize = 512;
/// Connections from one address (of IPv6, from one /64) to the ports that take telemetry.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 256;
/// Open files that connections leave to the journal and the destinations.
pub const FILES_KEPT: usize = 128;
/// Requests at a time on one HTTP/2 connection.
pub const CONNECTION_STREAMS_MAX: u32 = 128;
/// Bytes of a request's head.
pub const HEAD_BYTES_MAX: usize = 16 << 10;
/// Headers of a request.
pub const HEADERS_MAX: usize = 100;
/// A TLS handshake must be done so soon.
pub const HANDSHAKE_MS_MAX: u64 = 10_000;
/// The head of a request must be there so soon after its first byte, and the first head so soon
/// after the connection.
pub const HEAD_MS_MAX: u64 = 10_000;
/// A connection is closed that has had no request for so long: longer than the exporters' usual
/// intervals, so that they keep theirs.
pub const IDLE_MS_MAX: u64 = 75_000;
/// A connection is closed that has an open request and moves no byte for so long.
pub const STALL_MS_MAX: u64 = 120_000;
/// A connection is told to end at about this age, so that senders spread over several receivers
/// and meet new certificates.
pub const CONNECTION_AGE_MS_MAX: u64 = 1_800_000;
/// It is closed so long after that.
pub const CONNECTION_AGE_GRACE_MS_MAX: u64 = 30_000;
/// A request's body must be there so soon.
pub const BODY_MS_MAX: u64 = 60_000;
/// A body may be slow for so long; then it must have come at [`BODY_BYTES_PER_SECOND_MIN`].
pub const BODY_SLOW_MS_MAX: u64 = 10_000;
/// See [`BODY_SLOW_MS_MAX`].
pub const BODY_BYTES_PER_SECOND_MIN: u64 = 1 << 10;
/// Requests up to this size are read where they come in; larger ones on a thread of their own,
/// so that they hold up nobody.
pub const READ_IN_PLACE_BYTES_MAX: usize = 1 << 20;
/// Readers that are kept between requests.
pub const READERS_KEPT_MAX: usize = 16;
/// An HTTP/2 connection is pinged when it was quiet for so long.
pub const PING_MS: u64 = 30_000;
/// It is closed if the answer takes longer.
pub const PING_ANSWER_MS_MAX: u64 = 10_000;
/// How often health is looked at.
pub const HEALTH_MS: u64 = 1_000;
/// At a stop, open requests have so long to finish.
pub const STOP_MS_MAX: u64 = 8_000;
/// After that, the keeper has so long for what it took before.
pub const STOP_KEEPER_MS_MAX: u64 = 1_500;
/// Before that, what runs beside the server has so long to say its last words to it.
pub const STOP_BESIDE_MS_MAX: u64 = 3_000;

/// Verdicts in one request.
pub const VERDICTS_PER_REQUEST_MAX: usize = 10_000;
/// Bytes of a request with verdicts.
pub const VERDICT_REQUEST_BYTES_MAX: usize = 8 << 20;
/// Bytes of one verdict as JSON.
pub const VERDICT_BYTES_MAX: usize = 16 << 10;
/// Bytes of a verdict's id, task or other name.
pub const VERDICT_NAME_BYTES_MAX: usize = 512;
/// Bytes of a verdict's reason: room for a code, not for an opinion.
pub const VERDICT_REASON_BYTES_MAX: usize = 64;
/// Longest review of one verdict, in seconds: a year.
pub const VERDICT_REVIEW_SECONDS_MAX: f64 = 31_536_000.0;

/// Tasks that the inbox shows at a time.
pub const INBOX_TASKS_MAX: usize = 100;
/// Bytes of the largest delivery of a hook: what GitHub sends at most.
pub const HOOK_BYTES_MAX: usize = 25 << 20;
/// How far from now a delivery may have been signed.
pub const HOOK_STAMP_MS_MAX: u64 = 300_000;
/// How often the books are told of deliveries that gave nothing.
pub const HOOK_COUNTS_MS: u64 = 1_000;
/// A segment of a log is followed by a new one when it has this many bytes.
pub const SEGMENT_BYTES: u64 = 64 << 20;
/// How much of a segment is read at a time.
pub const SEGMENT_WINDOW_BYTES: usize = 1 << 20;
/// Longest payload of one record of a log: a request at its limit, and room for what it becomes.
pub const RECORD_BYTES_MAX: usize = 128 << 20;
/// Longest facts, or request to relay, of one submission: with its head it fits into a record.
pub const SUBMISSION_BYTES_MAX: usize = RECORD_BYTES_MAX - 4_096;
/// Bytes of the fact log after which a snapshot is taken: so many are read again at a start, which
/// takes well under a second.
pub const SNAPSHOT_EVERY_BYTES: u64 = 64 << 20;
/// So long after the last snapshot this share of that is enough: what a start has to read after
/// a crash is then what came in the last minute, or little.
pub const SNAPSHOT_AGE: std::time::Duration = std::time::Duration::from_secs(60);
/// See [`SNAPSHOT_AGE`].
pub const SNAPSHOT_AGED_SHARE: u64 = 16;
/// Bytes of a snapshot that have a checksum of their own.
pub const SNAPSHOT_BLOCK_BYTES: usize = 1 << 20;
/// Bytes of the fact log that are kept although snapshots replace them, unless configured.
pub const JOURNAL_KEPT_BYTES: u64 = 1 << 30;
/// Damaged byte ranges of a log that are told one by one.
pub const DAMAGES_TOLD_MAX: usize = 1_000;
/// What is at rest is read again at this speed at most: an hour for 30 GB.
pub const REREAD_BYTES_PER_SECOND: u64 = 8 << 20;
/// How often it is asked whether it is time to read it again.
pub const REREAD_LOOK_MS: u64 = 60_000;
/// Bytes of damaged ranges that are copied aside, all in all.
pub const QUARANTINE_BYTES_MAX: u64 = 256 << 20;
/// Space that is held back on disk, and given free when the disk is full.
pub const RESERVE_BYTES: u64 = 64 << 20;
/// How often `send` sends a request again that the server is too busy for.
pub const SEND_RETRIES_MAX: u32 = 100;
/// How long `send --wait` waits: longer than a trace can stay open.
pub const BOOKING_WAIT_MAX: std::time::Duration = std::time::Duration::from_secs(180);

/// Rows of one table of outcomes; further names share the last row.
pub const OUTCOME_ROWS_MAX: usize = 2_000;

/// Largest price file, in bytes: sixteen times the largest that is published.
pub const PRICE_FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Tenants with books of their own, the default one counted.
pub const TENANTS_MAX: usize = 64;
/// Longest name of a tenant, in bytes.
pub const TENANT_BYTES_MAX: usize = 64;
/// A wall clock that goes ahead by more than this at once is not believed at first.
pub const CLOCK_STEP_MAX: std::time::Duration = std::time::Duration::from_secs(60);
/// It is believed when it has kept its new time for so long.
pub const CLOCK_BELIEVED_AFTER: std::time::Duration = std::time::Duration::from_secs(600);
/// At a start the wall clock is believed to be ahead of the journal by so much: no stop is longer.
pub const CLOCK_GAP_MAX: std::time::Duration = std::time::Duration::from_secs(400 * 86_400);

/// Messages that wait for the keeper.
pub const KEEPER_QUEUE_MAX: usize = 4_096;
/// Bytes of the requests that wait for the keeper: a slow disk must not fill the memory. One
/// request is taken whatever its size if nothing else waits.
pub const KEEPER_QUEUE_BYTES_MAX: usize = 64 << 20;
/// A commit that takes so long is told as a slow disk.
pub const COMMIT_SLOW_MS: u64 = 1_000;
/// For so long after it ended.
pub const COMMIT_SLOW_TOLD_MS: u64 = 10_000;
/// Bytes of one group commit.
pub const GROUP_BYTES_MAX: usize = 8 << 20;
/// The keeper looks at the clock at least so often.
pub const KEEPER_IDLE_MS: u64 = 1_000;
/// Deadlines are met together when they are closer than this.
pub const TICK_MS_MIN: u64 = 100;
/// A journal that failed is tried again so long after; on a full disk it is looked so often
/// whether there is space.
pub const REOPEN_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// Tasks that the demonstration's fleet has in hand at a time.
pub const FLEET_TASKS_OPEN_MAX: usize = 512;

/// Age at which a connection to a destination is followed by a new one, which asks for the
/// address of the destination's name again.
pub const CONNECTION_AGE_MAX: std::time::Duration = std::time::Duration::from_secs(60);
/// Bytes that are read of a destination's answer.
pub const DESTINATION_RESPONSE_BYTES_MAX: usize = 4 << 20;
/// Longest wait that a destination can ask for.
pub const RETRY_AFTER_MAX: std::time::Duration = std::time::Duration::from_secs(900);
/// Shortest wait before a request is sent again.
pub const RETRY_WAIT_MIN: std::time::Duration = std::time::Duration::from_millis(50);
/// Waiting requests are joined into one until it has so many bytes.
pub const RELAY_JOINED_BYTES_MAX: usize = 1 << 20;
/// How often the relay log is freed of what every destination has.
pub const RELAY_HOUSEKEEPING: std::time::Duration = std::time::Duration::from_secs(5);
/// How long a relay waits for a disk that failed.
pub const RELAY_DISK_WAIT: std::time::Duration = std::time::Duration::from_secs(5);
