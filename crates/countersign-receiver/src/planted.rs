//! Bugs of the journal, the keeper and the relay that can be planted: see
//! [`countersign_core::planted`].

countersign_core::planted_bugs! {
    AckBeforeFsync = "requests are acknowledged before their facts are synced",
    HalfGroupAcknowledged = "a write that failed in the middle is acknowledged",
    SyncAgainAfterFailure = "a sync that failed is tried again and believed",
    DirectoryNotSynced = "the name of a new segment is not synced",
    TornTailTaken = "records are believed without their checksum",
    CacheBelieved = "after a failed sync and a restart, what is only in memory is believed",
    TickNotJournaled = "deadlines are met without a word in the journal",
    RefusedIsWritten = "what was refused is written with the next group",
    QueueCutTooEarly = "a segment goes whose last records are not delivered",
    CursorBeforeAnswer = "a destination's cursor moves before its answer came",
    VerdictShownTooEarly = "verdicts count as relayed before the queue has them",
    StartTimeReset = "after a restart counters begin at the time of the restart",
    TenantsMixed = "after a restart all facts are in the default tenant's books",
}
