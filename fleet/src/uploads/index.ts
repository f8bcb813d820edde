/** Parts of what a command has made -> a blob, named in the result of the command. */
export { createUploadReceiver, type UploadReceiver } from './receive.ts';
