/** The fleet's own key, root documents -> who may sign what; signed artefacts, desired states, commands and times. */
export { createKeyring, type Keyring, newestRoot } from './keyring.ts';
export { writeEpoch } from './store.ts';
