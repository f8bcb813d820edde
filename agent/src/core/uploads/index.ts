/** What a command has made, too large for its result -> parts to the fleet, until all of them have arrived. */
export { createUploads, type Uploads } from './uploads.ts';
