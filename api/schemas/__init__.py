"""The bodies of requests and answers, exactly as the contract has them."""
