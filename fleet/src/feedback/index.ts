/** Outcomes of results, from whoever learned of them -> each counted once, for the release and the experiment that gave the result. */
export { createFeedback, type Feedback } from './feedback.ts';
export { forgetFeedback } from './store.ts';
