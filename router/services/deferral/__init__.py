"""What is to be done later: kept, changed, and carried out when its moment comes."""
