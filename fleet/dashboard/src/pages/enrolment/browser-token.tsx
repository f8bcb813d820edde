import { useQuery } from '@tanstack/react-query';
import { read, useChange } from '../../data/queries.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { BrowserLink } from './browser-link.tsx';
import { TokenFields } from './token-fields.tsx';
import { TokenForm } from './token-form.tsx';

/** Makes a claim token and shows, once, the code and the link that make a browser a device. */
export function BrowserToken() {
  const settings = useQuery(read('settings', {}));
  const create = useChange('createClaimToken', { makesOld: ['listClaimTokens', 'listAudit'] });
  return (
    <>
      <TokenForm
        {...{ verb: 'Make the code', isPending: create.isPending, error: create.error }}
        onSubmit={(request) => create.mutate({ body: request })}
      >
        <TokenFields name="phone" hours="1" />
      </TokenForm>
      <div aria-live="polite">
        {settings.error !== null && <ProblemAlert error={settings.error} />}
        {create.data !== undefined && !create.isPending && settings.data !== undefined && (
          <BrowserLink {...create.data} settings={settings.data} />
        )}
      </div>
    </>
  );
}
