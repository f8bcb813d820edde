/** A pipeline -> what is wrong with the source of its scripts, read but not run. */
export { checkScripts } from './check-scripts.ts';
