import { useQuery } from '@tanstack/react-query';
import { useClaimToken } from '../../data/claim-token.ts';
import { read } from '../../data/queries.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { BrowserLink } from './browser-link.tsx';
import { TokenFields } from './token-fields.tsx';
import { TokenForm } from './token-form.tsx';

/** Makes a claim token and shows, once and in place of the form, the code and the link that make a browser a device. */
export function BrowserToken() {
  const settings = useQuery(read('settings', {}));
  const create = useClaimToken();
  const made = create.isPending ? undefined : create.data;
  return (
    <>
      <div aria-live="polite">
        {settings.error !== null && <ProblemAlert error={settings.error} />}
        {made !== undefined && settings.data !== undefined && (
          <BrowserLink {...made} settings={settings.data} onClose={() => create.reset()} />
        )}
      </div>
      {made === undefined && (
        <TokenForm
          {...{ verb: 'Make the code', isPending: create.isPending, error: create.error }}
          onSubmit={(request) => create.mutate(request)}
        >
          <TokenFields name="phone" hours="1" />
        </TokenForm>
      )}
    </>
  );
}
