/** Requests to a thread with a script -> QuickJS in WebAssembly -> replies; the same bytes on every runtime. */
export { answerRequests, type ThreadSide } from './answer-requests.ts';
