import { fromBase64 } from '../../geometry/base64.js'

/** Steps of the numbers in {@link AVERAGE_LOOK} per unit of local contrast. */
export const LOOK_UNIT = 128

/**
 * Mean of the raw looks of 202 portraits (NOTICE), one number per vertex, by tools/average-look.ts. Without it all faces are alike:
 * eyes and nostrils are dark in everybody.
 */
export const AVERAGE_LOOK = new Int8Array(
  (
    fromBase64(
      [
        'MfzOG0pEZOAvLSTktb3TQTjk3dbG6QwUGOkKRytAJS9KnwQaNDi1IPywpzXnQBIxC/4rMcT4/NkS9gXErZ2SHfqeKRcTGwkM3M/C',
        'sJbLj76uvcPp8jpH27jYCzEw/s+eq+L3yUY38BIcJ0EoJScWOvodGUYjREMfHyUZGRzXDvEO5qgiAdMMIfr7GAUn1iAlF/j7EOfh',
        '9RrhIPvNGdjLzMW78RoHRc4uTxocIQfCARLq/88bLBUMlJ6yAxz51OKWJ/8iSB9Y9i9MRBvvKCz/EknpGSlEEyUEBw7x+DsUFTlM',
        'Q+L7ORsF/AYW9OsG0cC01szU+P7wqfoe5cTwFRsc6BBDKD4fL0ueDR81OrMc/rCrM/BEEzAWCCkxw/UE4RDxCMKsnpIi9Z0rECYZ',
        'Ehzb0ciul8OPw624vur0OkPWutYFKy0Bn6fZ48NJO/YcIRs+JCcjFzn+FxNKLUBBHyMoJx0f1RDvCuqlIwLVCyYG+hoULM8cLRL3',
        '8xLo7/0m+s0l2szKx8HtID7PKhsiIAi/+u8BzRYmFA2ap7wEEvXQ35kfBCIi9kYW/CMvBBJE6BcvQhwgDQgL9vo3EA8zS0HdAzAV',
        'BP0KEQjiA9jEusnOzfn47q7z',
      ].join(''),
    ) as Uint8Array<ArrayBuffer>
  ).buffer,
)
