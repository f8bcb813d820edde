import { Alert, Button, Text } from '@mantine/core';
import { isStarlingError, messageOf } from '@starling/shared';
import { IconAlertTriangle } from '@tabler/icons-react';

interface ProblemAlertProps {
  error: unknown;
  onRetry?: (() => void) | undefined;
  title?: string;
}

/** What went wrong, in the server's words, and its advice. */
export function ProblemAlert({ error, onRetry, title }: ProblemAlertProps) {
  const problem = isStarlingError(error) ? error : undefined;
  return (
    <Alert
      color="red"
      variant="outline"
      role="alert"
      icon={<IconAlertTriangle aria-hidden />}
      title={title ?? (problem === undefined ? 'This went wrong' : inWords(problem.code))}
      styles={{ root: { background: 'var(--surface)' }, title: { color: 'var(--mantine-color-error)' } }}
    >
      <Text size="sm" style={{ whiteSpace: 'pre-line' }}>
        {messageOf(error)}
      </Text>
      {problem?.field !== undefined && problem.field !== '' && (
        <Text size="sm" c="dimmed">
          Field: <span className="mono">{problem.field}</span>
        </Text>
      )}
      {problem?.hint !== undefined && (
        <Text size="sm" c="dimmed">
          {problem.hint}
        </Text>
      )}
      {onRetry !== undefined && (
        <Button size="xs" variant="default" mt="xs" onClick={onRetry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}

/** `not-onnx` as `Not onnx` */
function inWords(code: string): string {
  return `${code.charAt(0).toUpperCase()}${code.slice(1).replaceAll('-', ' ')}`;
}
