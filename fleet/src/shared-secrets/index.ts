/** A data directory, the database, the secret of the cluster -> the same keys for every process of a fleet. */
export { adoptSecrets, publishSecrets } from './share.ts';
export { openVault, type Vault } from './vault.ts';
