/** Changes -> one line each, in the transaction that makes them -> the audit page. */
export { appendAudit, listAudit } from './store.ts';
