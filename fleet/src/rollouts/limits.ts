/** Bounds of rollouts, with unit and reason. */

/** Targets of one rollout: what one statement moves at a time, and a page can still count. */
export const TARGETS_MAXIMUM = 1_000_000;
/** Rollouts that are open at once: each is looked at every pass. */
export const OPEN_ROLLOUTS_MAXIMUM = 200;
/** Devices that one pass starts, over all rollouts: it ends before the next is due, and none waits long for its turn. */
export const STARTS_PER_PASS_MAXIMUM = 5_000;
/** Devices of one transaction: it holds its locks for less than a second. */
export const STARTS_PER_WRITE_MAXIMUM = 2_500;
/** The runner looks this often, whatever happens. */
export const PASS_INTERVAL_MS = 2_000;
/** And this long after a device has reported, not for each of a herd. */
export const PASS_SOON_MS = 200;
/** Rollouts wait so long for one of them that asks somebody who does not answer. */
export const LOOK_PATIENCE_MS = 2_000;
/** A runner that has not renewed its lease for this long has ended. */
export const LEASE_MS = 30_000;
/** A device that was heard within this time can be reached. */
export const REACHABLE_MS = 90_000;
/** Nobody counts as away before devices had this long to come back to a fleet that has started. */
export const RECONNECT_GRACE_MS = 120_000;
/** Devices that match later are looked for this often: the query reads all devices. */
export const JOIN_INTERVAL_MS = 60_000;
/** How long a device may take to come back to what it ran: it has everything on its disk. */
export const RETURN_TIMEOUT_MS = 15 * 60_000;
/** A target that was not put off again for this long is held no more: its rollout was paused, or its window shut, and its time begins anew. */
export const HOLD_GAP_MS = 60_000;
/** What a rate and a bandwidth are counted over. */
export const RATE_WINDOW_MS = 60_000;
/** The background analysis is asked this often. */
export const JUDGE_INTERVAL_MS = 15_000;
/** Devices of each profile for which a preview chooses; up to the second number it chooses for all. */
export const PREVIEW_SAMPLE_PER_GROUP = 20;
export const PREVIEW_ALL_MAXIMUM = 1_000;
/** From so many new targets on the planner of the database is told. */
export const MANY_TARGETS = 5_000;
/** Devices that were revoked are taken out this often: nobody waits for them, whatever the count says. */
export const REVOKED_INTERVAL_MS = 60_000;
