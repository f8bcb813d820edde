import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { ButtonLink } from '../../parts/link.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { BuildTable } from '../builds/build-table.tsx';

/** The newest builds, with how far they are. */
export function BuildsPanel() {
  const navigate = useNavigate();
  const builds = useQuery(read('listBuilds', { query: { limit: 5 } }));
  return (
    <Panel
      title="Newest builds"
      note="Every pushed version is built for the precisions that devices can use."
      flush
      actions={
        <ButtonLink size="xs" variant="default" to="/builds">
          All builds
        </ButtonLink>
      }
    >
      <QueryView query={builds} heightPx={180}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title="No build yet" />
          ) : (
            <BuildTable builds={items} onOpen={(build) => void navigate({ to: '/builds', search: { build } })} />
          )
        }
      </QueryView>
    </Panel>
  );
}
