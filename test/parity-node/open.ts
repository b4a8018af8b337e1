// Cases that differ still though they should not, or whose outcome depends on how busy the machine is: the list of what is to be looked
// into, by reason. They are played, and shown as `todo`.

export const OPEN: Readonly<Record<string, string>> = {
  'restarts/killed-from-outside': 'to be recorded anew: the command of the recording was missing in the image',
  'restarts/deadline-in-back-off': 'how far it has come when the deadline passes',
  'deletion/delete-in-init': 'whether an init container that was ended with its pod, with code 0, has initialized it',
  'deletion/evict': 'the condition of the Eviction API carries the generation here',
};
