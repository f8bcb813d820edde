import { EmptyState } from '../../parts/empty-state.tsx';
import { ButtonLink } from '../../parts/link.tsx';

export function NotFoundPage() {
  return (
    <main>
      <EmptyState title="There is no such page" action={<ButtonLink to="/">To the overview</ButtonLink>}>
        The address may be mistyped, or what it named is gone.
      </EmptyState>
    </main>
  );
}
