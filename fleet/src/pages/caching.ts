/** Names of assets carry the hash of their content. */
export const KEPT_FOR_GOOD = 'public, max-age=31536000, immutable';
/** Pages and workers keep their name over builds; asking costs one small answer while nothing changed. */
export const ASKED_EACH_TIME = 'no-cache';
