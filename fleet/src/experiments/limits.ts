/** Pause between two looks of the runner at all experiments. */
export const PASS_INTERVAL_MS = 5_000;
/** A runner that ended without a word is succeeded after this. */
export const LEASE_MS = 60_000;
/** Devices that come into an experiment in one look. */
export const JOINS_PER_PASS_MAXIMUM = 2_000;
/** Time between two measurements of an experiment. */
export const MEASURE_INTERVAL_MS = 10_000;
/** Looks that are kept of one experiment: as many as a chart has points. */
export const LOOKS_KEPT = 1_000;
/** Part of a desired state that an experiment may take: the rest has to fit as well. */
export const PART_BYTES_MAXIMUM = 3_500;
/** Shares that move by less are not worth a new desired state for every device. */
export const SHARE_STEP = 0.005;
/** Experiments that are not over. */
export const OPEN_MAXIMUM = 100;
