/** Selectors and the groups that save some -> checked, with groups put in -> conditions over devices, and how many meet them. */
export { createGroups, type Groups, type GroupUse } from './groups.ts';
