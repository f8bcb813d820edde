import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { read, useChange } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { counted } from '../../format/quantity.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { announce } from '../../parts/notice.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { GroupForm } from './group-form.tsx';
import { GroupTable } from './group-table.tsx';

const route = getRouteApi('/shell/groups');

export function GroupsPage() {
  const { page, search } = route.useSearch();
  const navigate = route.useNavigate();
  const { may } = useSession();
  const groups = useQuery({ ...read('listGroups', { query: { ...pageQuery(page), search } }), placeholderData: keepPreviousData });
  return (
    <>
      <PageHeader title="Groups" note="Devices by a saved selector. A device that comes to fit belongs to the group at once." />
      {may('operator') && <NewGroup />}
      <Panel
        title="All groups"
        flush
        actions={
          <SearchField
            label="Search name or description"
            value={search}
            onSearch={(next) => void navigate({ search: { search: next }, replace: true })}
          />
        }
      >
        <QueryView query={groups} heightPx={240}>
          {({ items, total, limit, offset }) =>
            items.length === 0 ? (
              <EmptyState title={search === undefined ? 'No group yet' : 'No group fits'}>
                {search === undefined ? 'Save a selector under a name, and use it in others and for whatever concerns many devices.' : null}
              </EmptyState>
            ) : (
              <>
                <GroupTable groups={items} />
                <Pager
                  {...{ total, limit, offset }}
                  what="groups"
                  onPage={(next) => void navigate({ search: (before) => ({ ...before, page: next }) })}
                />
              </>
            )
          }
        </QueryView>
      </Panel>
    </>
  );
}

function NewGroup() {
  /** A new form for each group. */
  const [made, setMade] = useState(0);
  const create = useChange('createGroup', {
    makesOld: ['listGroups', 'selectorVocabulary', 'listAudit'],
    onDone: ({ name, devices }) => {
      announce(`${name} is saved; it has ${counted(devices)} devices now`);
      setMade((count) => count + 1);
    },
  });
  return (
    <Panel title="New group">
      <GroupForm
        key={made}
        {...{ draft: { name: '', description: '', select: '' }, isNew: true, verb: 'Save the group' }}
        {...{ isPending: create.isPending, error: create.error }}
        onSubmit={(body) => create.mutate({ body })}
      />
    </Panel>
  );
}
