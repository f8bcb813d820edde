/** A fleet that runs -> one file with all that it is; that file -> a fleet elsewhere, or the same one as it was, in a new epoch. */
export type { BackupHead } from './format.ts';
export { type Restored, readBackupHead, restoreBackup } from './restore.ts';
export { openBackup } from './write.ts';
