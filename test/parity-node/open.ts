// Cases that differ still though they should not, or whose outcome depends on how busy the machine is: the list of what is to be looked
// into, by reason. They are played, and shown as `todo`.

export const OPEN: Readonly<Record<string, string>> = {
  'restarts/deadline-in-back-off': 'how far it has come when the deadline passes',
};
