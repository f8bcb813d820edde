/** Pause between two looks of the runner at all experiments. */
export const PASS_INTERVAL_MS = 5_000;
/** A runner that ended without a word is succeeded after this. */
export const LEASE_MS = 60_000;
/** Devices that come into an experiment in one look. */
export const JOINS_PER_PASS_MAXIMUM = 2_000;
/** Time between two measurements of an experiment. */
export const MEASURE_INTERVAL_MS = 10_000;
/** The next look is kept when the age of the experiment has grown by this part: intervals close fast at first, and slowly later. */
export const LOOK_GROWTH = 1 / 200;
/**
 * What an experiment and the artefacts of the release may take of a desired state together, as JSON: signed, a document grows by a third, and
 * what is always in it takes the rest of its 8 KiB.
 */
export const PART_BYTES_MAXIMUM = 3_600;
/** Shares that move by less are not worth a new desired state for every device. */
export const SHARE_STEP = 0.005;
/** Experiments that are not over. */
export const OPEN_MAXIMUM = 100;
