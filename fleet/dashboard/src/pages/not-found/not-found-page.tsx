import { Title } from '@mantine/core';
import { EmptyState } from '../../parts/empty-state.tsx';
import { ButtonLink } from '../../parts/link.tsx';

export function NotFoundPage() {
  return (
    <main style={{ paddingTop: '12vh' }}>
      <Title order={1} className="visually-hidden">
        Not found
      </Title>
      <EmptyState title="There is no such page" action={<ButtonLink to="/">To the overview</ButtonLink>}>
        The address may be mistyped, or what it named is gone.
      </EmptyState>
    </main>
  );
}
