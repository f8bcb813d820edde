import { notifications } from '@mantine/notifications';
import { isStarlingError, messageOf } from '@starling/shared';

/** A cross alone says nothing to those who listen. */
const closeButtonProps = { 'aria-label': 'Close' };

/** Says in passing that something was done. */
export function announce(message: string): void {
  notifications.show({ message, color: 'petrol', closeButtonProps });
}

/** Says in passing that something was refused, and the server's advice. */
export function announceProblem(error: unknown): void {
  const hint = isStarlingError(error) && error.hint !== undefined ? ` (${error.hint})` : '';
  notifications.show({ title: 'Refused', message: `${messageOf(error)}${hint}`, color: 'red', autoClose: 10_000, closeButtonProps });
}
