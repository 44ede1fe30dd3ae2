/** Where the service is. Its host has to be on the list of request domains of the mini-program. */
export const BASE_URL = 'https://skillsmap.example.invalid'
