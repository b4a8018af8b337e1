// Cases that differ still though they should not, or whose outcome depends on how busy the machine is: the list of what is to be looked
// into, by reason. They are played, and shown as `todo`.

export const OPEN: Readonly<Record<string, string>> = {
  'restarts/killed-from-outside': 'to be recorded anew: the command of the recording was missing in the image',
  'restarts/deadline-in-back-off': 'how far it has come when the deadline passes',
  'deletion/delete-while-pulling': 'which reason stays in Ready when the pod ends before its first start',
  'deletion/delete-kept-while-pulling': 'as above',
  'deletion/delete-config-error': 'as above',
  'deletion/delete-volume-missing': 'as above',
  'deletion/delete-in-init': 'as above',
  'deletion/evict': 'the condition of the Eviction API carries the generation here',
};
