import { Alert, Anchor, List } from '@mantine/core';
import type { WrongField } from './field-problems.ts';

/** All that keeps a form from being sent, by the names of its fields; each leads to its field. */
export function WrongList({ wrong }: { wrong: readonly WrongField[] }) {
  if (wrong.length === 0) return null;
  return (
    <Alert role="alert" color="red" variant="outline" title="Not right yet" styles={{ root: { background: 'var(--surface)' } }}>
      <List size="sm" listStyleType="none" spacing={2}>
        {wrong.map(({ field, label, message }) => (
          <List.Item key={field}>
            <Anchor component="button" type="button" size="sm" onClick={() => focusField(field)}>
              {label}
            </Anchor>
            : {message}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

/** The input of a field, or of the nearest that it lies in, or the first of those within it. */
function focusField(field: string): void {
  for (let path = field; path !== ''; path = path.slice(0, Math.max(0, path.lastIndexOf('.')))) {
    const name = CSS.escape(path);
    const input =
      document.querySelector<HTMLElement>(`[data-field="${name}"]`) ?? document.querySelector<HTMLElement>(`[data-field^="${name}."]`);
    if (input === null) continue;
    input.scrollIntoView({ block: 'center' });
    input.focus({ preventScroll: true });
    return;
  }
}
