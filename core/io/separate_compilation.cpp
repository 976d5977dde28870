// Asio's and Beast's own code, compiled once for the whole program.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>

// Beast 1.81 asserts that the head of a last chunk comes back with at least five bytes, and aborts
// where "0", CRLF and the next byte come in pieces: anybody who talks to us could stop the daemon.
// Its parser copes with fewer; so its assertions about what came over the wire are left out (this
// header may be included again; our own ensure() and Asio's stay on).
#define BOOST_DISABLE_ASSERTS
#include <boost/assert.hpp>
#include <boost/beast/src.hpp>
