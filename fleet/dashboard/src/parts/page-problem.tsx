import type { ErrorComponentProps } from '@tanstack/react-router';
import { ProblemAlert } from './problem-alert.tsx';

/** A page that could not be shown at all. */
export function PageProblem({ error, reset }: ErrorComponentProps) {
  return <ProblemAlert error={error} onRetry={reset} />;
}
